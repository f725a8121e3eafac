# Copyright PEFT Studio authors.
#
# SPDX-License-Identifier: Apache-2.0
"""The Spack recipe (API of Spack 1.x). tools/spack-repo puts it into the layout that `spack repo add` wants."""

import os

from spack_repo.builtin.build_systems.cmake import CMakePackage

from spack.package import *

# This file lies at the top of a checkout; Spack clones from there unless told `dev_path=`.
_CHECKOUT = os.path.dirname(os.path.realpath(__file__))


class PeftStudio(CMakePackage):
    """Fine-tunes language models with LoRA on Slurm clusters: MPI ranks, HDF5 checkpoints that carry a run through faults,
    job scripts that fit the site, metrics from every node. No Python at run time."""

    git = f"file://{_CHECKOUT}"

    license("Apache-2.0", checked_by="peft-studio")

    version("main", branch="main")

    variant("worker", default=True, description="Build peft-studio-worker, which trains (needs libtorch)")
    variant("slurm", default=True, description="Slurm's commands at run time; usually the site's own, as an external")
    variant("docs", default=False, description="groff, to look at the manual page that is installed anyway")

    depends_on("c", type="build")  # FindHDF5 asks for it
    depends_on("cxx", type="build")
    with default_args(type="build"):
        depends_on("cmake@3.25:")
        depends_on("ninja")
        depends_on("pkgconfig")
        depends_on("git")  # the version that --version tells

    depends_on("yaml-cpp@0.7:")
    depends_on("cli11@2.1.2:")
    depends_on("nlohmann-json@3.11:")  # ordered_json::get_ref
    depends_on("openssl@3:")
    depends_on("pcre2@10.40:")
    depends_on("utf8proc@2.8:")
    depends_on("xxhash@0.8.1:")  # XXH3_128bits_reset
    depends_on("hdf5@1.10.5:")  # H5Dget_chunk_info; with or without +mpi: every rank writes a file of its own

    with when("+worker"):
        depends_on("mpi")
        # libtorch: its C++ library. 2.4 is where at::_scaled_mm and the stable custom-function headers begin; 2.11 is tested.
        depends_on("py-torch@2.4:")
    depends_on("slurm", type="run", when="+slurm")
    depends_on("groff", type="run", when="+docs")
    depends_on("googletest@1.12: +gmock", type=("build", "test"))

    conflicts("%gcc@:11", msg="C++20 as it is used here needs GCC 12 or newer")
    conflicts("%clang@:14", msg="C++20 as it is used here needs clang 15 or newer")
    conflicts("platform=darwin", msg="Linux only: namespaces, /proc, sched_setaffinity")
    conflicts("platform=windows", msg="Linux only: namespaces, /proc, sched_setaffinity")

    sanity_check_is_file = [join_path("bin", "peft-studio"), join_path("share", "man", "man1", "peft-studio.1")]

    def cmake_args(self):
        args = [
            self.define_from_variant("PST_WORKER", "worker"),
            self.define("PST_TESTS", self.run_tests),
            self.define("PST_WARNINGS_AS_ERRORS", False),  # compilers newer than ours warn of more
        ]
        if self.spec.satisfies("+worker"):
            # .../torch/share/cmake -> .../torch
            args.append(self.define("PST_TORCH_ROOT", ancestor(self["py-torch"].cmake_prefix_paths[0], 2)))
        return args

    def check(self):
        """The quick tests: no Slurm, no GPU, about a minute."""
        with working_dir(self.build_directory):
            ctest = Executable(self.spec["cmake"].prefix.bin.ctest)
            ctest("-L", "quick", "-LE", "house", "--output-on-failure")

    def setup_run_environment(self, env):
        env.set("PEFT_STUDIO_ROOT", self.prefix)

    def test_version(self):
        """the program tells its version"""
        program = Executable(self.prefix.bin.join("peft-studio"))
        assert "peft-studio" in program("--version", output=str.split, error=str.split)

    def test_doctor(self):
        """this machine is looked at, and judged fit"""
        program = Executable(self.prefix.bin.join("peft-studio"))
        out = program("doctor", "--here", output=str.split, error=str.split)
        check_outputs([r"CPU", r"memory", r"disk"], out)

    def test_recipes(self):
        """every recipe that is installed is valid"""
        program = Executable(self.prefix.bin.join("peft-studio"))
        recipes = find(self.prefix.share.join("peft-studio").recipes, "*.yaml", recursive=True)
        assert recipes, "no recipes are installed"
        for recipe in recipes:
            program("validate", "--recipe-only", recipe)

    @when("+worker")
    def test_training(self):
        """a tiny model is made, trained and its checkpoint verified"""
        self.run_test_script("train.sh")

    def run_test_script(self, name):
        """A script of share/peft-studio/tests, in the folder of the test, with this prefix as its argument."""
        script = self.prefix.share.join("peft-studio").tests.join(name)
        Executable("bash")(script, self.prefix)
