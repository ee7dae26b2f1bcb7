import platform
import resource

import pytest
import torch

from modelzoo.training.memory import keep_freed_memory

SIZE = 2**26  # bytes: of more than 32 MiB, which glibc would give back


def page_faults_of_a_block(size: int) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.empty(size, dtype=torch.uint8).fill_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_glibc_keeps_what_is_freed() -> None:
    assert keep_freed_memory()
    page_faults_of_a_block(2 * SIZE)

    assert page_faults_of_a_block(SIZE) < 0.1 * SIZE / resource.getpagesize()
