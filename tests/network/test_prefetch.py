"""What convolutions fetch for later ones: in order, in time, and without a change of bits."""

import numpy as np
import pytest

import darkpy
from darkpy.network.plan import Plan


@pytest.fixture(scope="module")
def calls():
    net = darkpy.load("googlenet")
    plan = Plan(net.layers, net.input_shape, 1, wanted=(net.answer.index,))
    return [call for call in plan.program.calls if call.function == "dk_convolution_forward"]


def address(array):
    return array.__array_interface__["data"][0]


def filters(call):
    read = call.fields["winograd"]
    return call.fields["weights"] if read is None else read


def test_every_byte_is_fetched_once_and_before_its_turn(calls):
    spans = [(address(filters(call)), filters(call).nbytes) for call in calls]
    fetched = np.zeros(len(calls), np.int64)
    for k, call in enumerate(calls):
        for stretch in call.fields["prefetch"]:
            (owner,) = [
                i
                for i, (begin, size) in enumerate(spans)
                if begin <= address(stretch) and address(stretch) + stretch.size <= begin + size
            ]
            assert owner > k
            assert address(stretch) - spans[owner][0] == fetched[owner]
            fetched[owner] += stretch.size
    sizes = np.array([size for _, size in spans])
    assert (fetched <= sizes).all()
    assert fetched.sum() > 0.8 * sizes.sum()


def test_no_call_fetches_more_than_it_has_time_for(calls):
    """Two cores' worth of memory delivers a cache line in the time of 448 products."""
    net = darkpy.load("googlenet")
    some = 0
    for call in calls:
        lines = sum(stretch.size for stretch in call.fields["prefetch"]) / 64
        assert lines * 448 <= net.layers[call.owner].multiply_adds() + 448
        some += lines > 0
    assert some > 10
