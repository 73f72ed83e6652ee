"""The reference page is what the models say."""

from tools.generate import api_reference


def test_it_has_every_level() -> None:
    text = api_reference.render()
    assert "| `spec.items[].delegates[].bounds[].max` | quantity |" in text
    assert "| `spec.enforcement.admission` | `observe` \\| `warn` \\| `deny` |" in text
