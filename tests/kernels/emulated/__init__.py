"""CUDA C kernels on the CPU: the source is compiled with g++ and runs block by block."""

from kernels.emulated.build import CompileError as CompileError
from kernels.emulated.build import KernelError as KernelError
from kernels.emulated.build import missing as missing
from kernels.emulated.kernel import ALL_SCHEDULES as ALL_SCHEDULES
from kernels.emulated.kernel import Kernel as Kernel
from kernels.emulated.kernel import RawModule as RawModule
