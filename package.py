# Copyright PEFT Studio authors.
#
# SPDX-License-Identifier: Apache-2.0
"""The recipe for Spack 1.x. tools/spack-repo is the repository to add (`spack repo add tools/spack-repo/spack_repo/peft_studio`);
it links to this file. tests/package compares it with CMake's options and packages, tools/spack-check installs with it."""

import os

from spack_repo.builtin.build_systems.cmake import CMakePackage, generator
from spack_repo.builtin.build_systems.cuda import CudaPackage

from spack.package import *

# The top of the checkout that this file is part of: what Spack clones unless it is given `dev_path=`.
_CHECKOUT = os.path.dirname(os.path.realpath(__file__))


class PeftStudio(CMakePackage, CudaPackage):
    """Fine-tunes language models with LoRA on Slurm clusters: MPI ranks, HDF5 checkpoints that carry a run through faults,
    job scripts that fit the site, metrics from every node. No Python at run time."""

    git = f"file://{_CHECKOUT}"

    license("Apache-2.0")

    version("main", branch="main")

    # No `slurm` variant: sbatch and srun are the site's own, looked up in PATH when they are needed, and nothing is built
    # differently. `cuda` and `cuda_arch` are CudaPackage's: they add the module for GPUs; the programs stay the same.
    variant("worker", default=True, description="Build peft-studio-worker, which trains (needs libtorch and MPI)")

    generator("ninja")

    # Lower bounds are what is tested (Debian 12) unless a reason is given; tests/package holds them against CMake's.
    with default_args(type="build"):
        depends_on("c")  # FindHDF5 compiles a C program
        depends_on("cxx")
        depends_on("cmake@3.25:")
        depends_on("pkgconfig")
        depends_on("git")  # the commit that --version tells and every run records

    depends_on("yaml-cpp@0.7:")
    depends_on("cli11@2.1.2:")
    depends_on("nlohmann-json@3.11:")  # ordered_json::get_ref
    depends_on("openssl@3:")
    depends_on("pcre2@10.40:")
    depends_on("utf8proc@2.8:")
    depends_on("xxhash@0.8.1:")
    depends_on("zlib@1.2.11:")
    depends_on("bzip2@1.0.8:")
    depends_on("xz@5.2:")
    depends_on("zstd@1.4.8:")
    depends_on("prometheus-cpp@1.0.1:")
    # 1.10.5: H5Dget_chunk_info. 2: not tried. ~mpi: every rank writes a file of its own, and the headers of a parallel HDF5
    # want <mpi.h> even in peft-studio, which has no MPI.
    depends_on("hdf5@1.10.5:1 ~mpi")

    with when("+worker"):
        depends_on("mpi")
        # Its C++ library; 2.11 is what numbers and bits were tested with. Only libtorch_cpu is linked; a GPU needs the rest too.
        depends_on("py-torch@2.11:")
        depends_on("py-torch +cuda", when="+cuda")
    depends_on("googletest@1.12: +gmock", type="test")

    requires("platform=linux", msg="Linux only: namespaces, /proc, sched_setaffinity")
    conflicts("~worker", when="+cuda", msg="the module for GPUs is opened by the worker: +cuda wants +worker")
    conflicts("^cuda@:12", when="+cuda", msg="written for CUDA 13, the toolkit that libtorch 2.11 is built with")
    conflicts("%gcc@:11", msg="C++20 as it is used here needs GCC 12 or newer")

    sanity_check_is_file = [join_path("bin", "peft-studio"), join_path("share", "man", "man1", "peft-studio.1")]
    sanity_check_is_dir = [join_path("share", "peft-studio", "recipes")]

    def cmake_args(self):
        args = [
            self.define_from_variant("PST_WORKER", "worker"),
            self.define_from_variant("PST_CUDA", "cuda"),
            self.define("PST_TESTS", self.run_tests),
            self.define("PST_WARNINGS_AS_ERRORS", False),  # compilers newer than ours warn of more
            self.define("PST_CCACHE", False),  # Spack's own `config:ccache` decides
        ]
        if self.spec.satisfies("+cuda") and not self.spec.satisfies("cuda_arch=none"):  # none: all that CMake knows
            args.append(self.define("CMAKE_CUDA_ARCHITECTURES", ";".join(self.spec.variants["cuda_arch"].value)))
        if self.spec.satisfies("+worker"):
            # <site-packages>/torch/share/cmake -> <site-packages>/torch
            args.append(self.define("PST_TORCH_ROOT", ancestor(self["py-torch"].cmake_prefix_paths[0], 2)))
        return args

    def check(self):
        """The quick tests: no Slurm, no GPU, about a minute. Those of the house itself are for a checkout."""
        ctest = Executable(self.spec["cmake"].prefix.bin.ctest)
        with working_dir(self.build_directory):
            ctest("-L", "quick", "-LE", "house", "--output-on-failure", "--no-tests=error")

    def setup_run_environment(self, env):
        env.set("PEFT_STUDIO_ROOT", self.prefix)

    def _self_test(self, part):
        """One part of the self-test that is installed with the programs; `train.sh` has the parts."""
        bash = which("bash", required=True)
        out = bash(
            self.prefix.share.join("peft-studio").tests.join("self-test.sh"), part, output=str.split, error=str.split
        )
        check_outputs([f"self-test: {part}: passed"], out)

    def test_version(self):
        """the programs tell their version"""
        self._self_test("version")

    def test_doctor(self):
        """this machine is looked at"""
        self._self_test("doctor")

    def test_recipes(self):
        """every recipe that is installed is valid"""
        self._self_test("recipes")

    def test_training(self):
        """a tiny model is trained, its checkpoints are verified, one is damaged, and the run resumed from the one before"""
        if self.spec.satisfies("~worker"):
            raise SkipTest("trains only with +worker")
        self._self_test("training")
