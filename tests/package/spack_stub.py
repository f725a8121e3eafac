# SPDX-License-Identifier: Apache-2.0
"""Just enough of spack.package to load a package.py and remember what it declares. It knows nothing of other packages, so a
variant that a dependency does not have goes unnoticed here; tools/spack-check, with a real Spack, sees that."""

import contextlib
import importlib.util
import os
import sys
import types


class Recorded:
    """What was declared, in the order it was. Every entry is a dictionary; `when` holds the enclosing conditions."""

    def __init__(self):
        self.versions, self.variants, self.dependencies, self.conflicts = [], [], [], []
        self.generators, self.licences = [], []
        self.conditions, self.defaults = [], []

    def add(self, kind, **what):
        for defaults in self.defaults:
            what = {**defaults, **what}
        getattr(self, kind).append({"when": " ".join(self.conditions + [what.pop("when", "")]).strip(), **what})


class Condition(contextlib.ContextDecorator):
    """`with when("+x"):` around directives. As a decorator of a method it changes nothing here."""

    def __init__(self, recorded, text):
        self.recorded, self.text = recorded, text

    def __call__(self, method):
        return method

    def __enter__(self):
        self.recorded.conditions.append(self.text)

    def __exit__(self, *_):
        self.recorded.conditions.pop()


@contextlib.contextmanager
def _default_args(recorded, values):
    recorded.defaults.append(values)
    yield
    recorded.defaults.pop()


class Dependency:
    def __init__(self, cmake_prefix_paths):
        self.cmake_prefix_paths = cmake_prefix_paths


class Spec:
    """A spec with the given variants, {"worker": True}."""

    def __init__(self, variants):
        self.variants = variants

    def satisfies(self, text):
        if "=" in text:  # cuda_arch=none
            return self.variants.get(text.split("=")[0]) == text.split("=")[1]
        return self.variants[text[1:]] is (text[0] == "+")


class CudaPackage:
    """Brings the variants `cuda`, off, and `cuda_arch` along."""


class CMakePackage:
    """The base class: a package for one choice of variants."""

    def __init__(self, variants, run_tests=False):
        self.spec, self.run_tests = Spec(variants), run_tests
        self.from_variant = set()

    def __getitem__(self, name):
        return Dependency([f"/prefix/of/{name}/site-packages/torch/share/cmake"])

    def define(self, name, value):
        text = {True: "ON", False: "OFF"}.get(value, str(value))
        return f"-D{name}={text}"

    def define_from_variant(self, name, variant):
        self.from_variant.add(variant)
        return self.define(name, self.spec.variants[variant])


def load(path):
    """Executes package.py; the recorded directives and the one package class."""
    recorded = Recorded()
    api = types.ModuleType("spack.package")
    api.license = lambda name, **_: recorded.licences.append(name)
    api.version = lambda name, **how: recorded.add("versions", name=name, **how)
    api.variant = lambda name, **how: recorded.add("variants", name=name, **how)
    api.depends_on = lambda spec, **how: recorded.add("dependencies", spec=spec, **how)
    api.conflicts = lambda spec, **how: recorded.add("conflicts", spec=spec, **how)
    api.requires = lambda *specs, **how: recorded.add("conflicts", spec=specs[0], **how)
    api.when = lambda text: Condition(recorded, text)
    api.default_args = lambda **values: _default_args(recorded, values)
    api.join_path = os.path.join
    api.ancestor = lambda path, count: path if count == 0 else api.ancestor(os.path.dirname(path), count - 1)
    cmake = types.ModuleType("spack_repo.builtin.build_systems.cmake")
    cmake.CMakePackage = CMakePackage
    cuda = types.ModuleType("spack_repo.builtin.build_systems.cuda")
    cuda.CudaPackage = CudaPackage
    cmake.generator = lambda *names, **_: recorded.generators.extend(names)
    modules = {"spack": types.ModuleType("spack"), "spack.package": api, "spack_repo": types.ModuleType("spack_repo"),
               "spack_repo.builtin": types.ModuleType("spack_repo.builtin"),
               "spack_repo.builtin.build_systems": types.ModuleType("spack_repo.builtin.build_systems"),
               "spack_repo.builtin.build_systems.cmake": cmake, "spack_repo.builtin.build_systems.cuda": cuda}
    sys.modules.update(modules)
    sys.dont_write_bytecode = True
    loader = importlib.util.spec_from_file_location("package", path)
    package = importlib.util.module_from_spec(loader)
    loader.loader.exec_module(package)
    classes = [c for c in vars(package).values() if isinstance(c, type) and issubclass(c, CMakePackage) and c is not CMakePackage]
    assert len(classes) == 1, f"{path}: {len(classes)} package classes"
    if issubclass(classes[0], CudaPackage):
        recorded.variants.append({"name": "cuda", "default": False, "description": "CudaPackage's", "when": ""})
    return recorded, classes[0]
