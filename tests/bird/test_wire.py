import aiohttp
import pytest
from yarl import URL

from runner.bird.wire import Timeouts, Wire, ask

from .peer import ACCEPTED, saying, serving

QUICK = Timeouts(connect_s=0.5, reply_s=0.5)


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\x00b"])
async def test_a_header_that_would_end_its_line_makes_no_request(value: str) -> None:
    wire = Wire(headers={"X-Name": value}, limit=1, timeouts=QUICK)
    with pytest.raises(ValueError, match="line break"):
        wire.target("POST", URL("http://127.0.0.1:1/x"))
    await wire.close()


async def test_a_connection_that_closed_after_it_was_taken_gets_no_request() -> None:
    async with serving(saying(ACCEPTED)) as peer:
        wire = Wire(headers={}, limit=1, timeouts=QUICK)
        target = wire.target("POST", URL(f"{peer.url}/x"))
        connection = await wire.connection(target)
        assert connection.transport is not None
        connection.transport.close()
        with pytest.raises(aiohttp.ClientConnectionResetError):
            await ask(connection, target, b"{}", lambda: True)
        connection.close()
        await wire.close()
    assert peer.bodies == []
