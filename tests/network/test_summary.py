"""What the summary counts, and the list of the packaged networks."""

from __future__ import annotations

import pytest

from darkpy.cli.main import main
from darkpy.config.sections import parse_cfg
from darkpy.network.network import Network
from darkpy.network.packaged import packaged_cfgs, packaged_titles

CFG = """
[net]
height=6
width=6
channels=2
[convolutional]
{normalize}
filters=5
size=3
[connected]
output=4
"""


@pytest.mark.parametrize(
    ("normalize", "first", "parameters"),
    [
        ("", "95", "419 parameters,"),  # 5 x 2 x 9 weights, 5 biases; then 4 x 4 x 5 x 4, 4
        # ... and 5 scales, beside 5 means and 5 variances
        ("batch_normalize=1", "100", "424 parameters and 10 rolling statistics,"),
    ],
)
def test_the_summary_counts_what_training_learns(
    normalize: str, first: str, parameters: str
) -> None:
    net = Network(parse_cfg(CFG.format(normalize=normalize), "two.cfg"))
    header, convolution, *_, last = net.summary().splitlines()
    assert convolution[: header.index("parameters") + len("parameters")].split()[-1] == first
    assert parameters in last


def test_the_list_has_every_packaged_network(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["summary", "--list"])
    assert caught.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(packaged_cfgs())
    for line, (name, title) in zip(lines, packaged_titles().items(), strict=True):
        assert title.endswith(".")
        assert line == f"{name}{' ' * (line.index(title) - len(name))}{title}"
        assert len(line) <= 140
