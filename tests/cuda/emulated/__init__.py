"""CUDA C kernels on the processor: the text compiles with g++ and runs block by block."""

from cuda.emulated.build import CompileError as CompileError
from cuda.emulated.build import KernelError as KernelError
from cuda.emulated.build import missing as missing
from cuda.emulated.kernel import ALL_SCHEDULES as ALL_SCHEDULES
from cuda.emulated.kernel import Kernel as Kernel
from cuda.emulated.kernel import RawModule as RawModule
