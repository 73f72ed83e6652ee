"""The framework logs in with what our own client uses, again and again."""

from pathlib import Path

import kopf
import pytest

from responsibility.controller.process.login import FrameworkLogin
from responsibility.controller.process.settings import Settings
from tests.unit.kube.pod import Pod, in_pod


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    return in_pod(tmp_path, monkeypatch)


async def test_in_a_pod_it_takes_the_token_of_this_moment(pod: Pod) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    log_in = FrameworkLogin(Settings(), sleep=sleep)
    first = await log_in()
    assert first.server == "https://[fd00::1]:443"
    assert first.as_http_headers() == {"Authorization": "bearer first"}
    assert not waited
    pod.rotate("second")
    assert (await log_in()).as_http_headers() == {"Authorization": "bearer second"}
    assert await log_in() != await log_in(), "what is refused once may be accepted later"
    assert len(waited) == 3, "whoever is refused again and again does not come back at once"


async def test_a_token_that_is_away_for_a_moment_is_waited_for(pod: Pod) -> None:
    log_in = FrameworkLogin(Settings())
    pod.lose()
    with pytest.raises(kopf.TemporaryError, match="ServiceAccount"):
        await log_in()
    pod.rotate("second")
    assert (await log_in()).as_http_headers() == {"Authorization": "bearer second"}
