"""The embedded sandbox, told the channels of a manifest."""

from typing import Any

from runner.manifest.build import Manifest
from runner.sandbox.channels import Channels, SandboxChannel
from runner.sandbox.server import Sandbox


def embedded(manifest: Manifest, **settings: Any) -> Sandbox:
    """A sandbox that knows exactly the manifest's channels, each of them able to send MMS."""
    known = [
        SandboxChannel(
            workspace_id=channel.workspace_id,
            channel_id=channel.channel_id,
            name=channel.name,
            platform=channel.platform,
            mms=True,
        )
        for channel in manifest.channels.values()
    ]
    return Sandbox(channels=Channels.of(known), **settings)
