"""An organisation and its hubs, small enough to read and real enough to be applied."""
