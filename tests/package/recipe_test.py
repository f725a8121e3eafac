#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""package.py against the CMake files: variants and options, dependencies and find_package, versions, reasons.

  recipe_test.py [PACKAGE_PY]     from the root of the repository
"""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import spack_stub

# What CMake calls a package, and what Spack does. None: the compiler's or CMake's own.
SPACK_NAME = {"Threads": None, "OpenMP": None, "PkgConfig": "pkgconfig", "Git": "git", "yaml-cpp": "yaml-cpp", "CLI11": "cli11",
              "nlohmann_json": "nlohmann-json", "OpenSSL": "openssl", "libpcre2-8": "pcre2", "libutf8proc": "utf8proc",
              "libxxhash": "xxhash", "ZLIB": "zlib", "BZip2": "bzip2", "LibLZMA": "xz", "libzstd": "zstd",
              "prometheus-cpp-core": "prometheus-cpp", "HDF5": "hdf5", "GTest": "googletest", "MPI": "mpi", "benchmark": None}
# pkg-config's version of utf8proc is that of its ABI: release 2.8.0 says 2.6.0.
ANOTHER_COUNT = {"utf8proc": {"2.6": "2.8"}}
TOOLS = {"c", "cxx", "cmake", "pkgconfig", "git"}  # need type="build"
NO_VARIANT = {"PST_TESTS": "Spack's --test decides", "PST_BENCH": "for developers; nothing of it is installed",
              "PST_WARNINGS_AS_ERRORS": "off: compilers newer than ours warn of more"}

problems = []
checked = 0


def expect(condition, problem):
    global checked
    checked += 1
    if not condition:
        problems.append(problem)


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return "\n".join(line.split("#")[0] for line in file.read().splitlines())


def name_and_minimum(spec):
    match = re.match(r"([a-z0-9-]+)(?:@([0-9.]+)(?:[:@][0-9.]*)?)?", spec)
    return match.group(1), match.group(2)


def check_options(recorded, package):
    """Every option is a variant with the same default, or is known not to be one; every variant does something in CMake."""
    options = dict(re.findall(r'option\((PST_\w+) "[^"]*" (ON|OFF)\)', text_of("CMakeLists.txt")))
    # PST_CUDA also has AUTO: CMake's default, which a package manager replaces by one of the other two.
    options |= {name: "OFF" for name in re.findall(r"set\((PST_\w+) AUTO CACHE STRING", text_of("cmake/PstCuda.cmake"))}
    known = {"CMAKE_CUDA_ARCHITECTURES"} | set(options) | set(re.findall(r"\b(PST_\w+)\b", text_of("cmake/PstTorch.cmake") + text_of("cmake/PstCompiler.cmake")))
    variants = {variant["name"]: variant for variant in recorded.variants}
    used = set()
    for worker in (True, False):
        for tests in (True, False):
            chosen = {name: (worker if name == "worker" else variant["default"]) for name, variant in variants.items()}
            made = package({**chosen, "cuda_arch": "none"}, tests)
            given = dict(argument[2:].split("=", 1) for argument in made.cmake_args())
            used |= made.from_variant
            for name in given:
                expect(name in known, f"cmake_args() gives {name}, which no CMake file knows")
            for name in options:
                if name != "PST_BENCH":
                    expect(name in given, f"CMake's option {name} is not given by cmake_args()")
            expect(given.get("PST_WORKER") == ("ON" if worker else "OFF"), "the variant 'worker' does not decide PST_WORKER")
            expect(given.get("PST_TESTS") == ("ON" if tests else "OFF"), "--test does not decide PST_TESTS")
            if worker:
                expect(given.get("PST_TORCH_ROOT") == "/prefix/of/py-torch/site-packages/torch",
                       f"PST_TORCH_ROOT is {given.get('PST_TORCH_ROOT')}, not py-torch's folder")
            else:
                expect("PST_TORCH_ROOT" not in given, "PST_TORCH_ROOT is given without the worker")
    class Architectures(str):
        value = ("80", "90")

    given = dict(argument[2:].split("=", 1) for argument in package({"worker": True, "cuda": True, "cuda_arch": Architectures()}).cmake_args())
    expect(given.get("PST_CUDA") == "ON", "the variant 'cuda' does not decide PST_CUDA")
    expect(given.get("CMAKE_CUDA_ARCHITECTURES") == "80;90", "cuda_arch does not decide CMAKE_CUDA_ARCHITECTURES")
    for name, variant in variants.items():
        expect(name in used, f"the variant '{name}' changes nothing in CMake")
        option = f"PST_{name.upper()}"
        expect(options.get(option) == ("ON" if variant["default"] else "OFF"), f"the variant '{name}' has another default than {option}")
        expect(variant.get("description"), f"the variant '{name}' has no description")
    for option in options:
        expect(option in NO_VARIANT or option[4:].lower() in variants, f"CMake's option {option} has no variant")


def wanted_by_cmake():
    """{Spack's name: (minimal version or None, inside if(PST_...) or None)}"""
    wanted = {}
    for path in ("cmake/PstDependencies.cmake", "src/version/CMakeLists.txt"):
        inside = []
        for line in text_of(path).splitlines():
            if re.match(r"\s*if\(", line):
                inside.append(re.match(r"\s*if\((.*)\)", line).group(1))
            elif re.match(r"\s*endif\(", line):
                inside.pop()
            call = re.match(r"\s*find_package\(([\w-]+)(?: ([0-9.]+))?", line)
            module = re.match(r"\s*pkg_check_modules\(\w+ (?:[A-Z_]+ )*([\w-]+)(?:>=([0-9.]+))?\)", line)
            for found in filter(None, (call, module)):
                name, minimum = found.groups()
                expect(name in SPACK_NAME, f"{path}: {name} is new to tests/package/recipe_test.py: name Spack's package in SPACK_NAME")
                spack = SPACK_NAME.get(name)
                if spack:
                    wanted[spack] = (ANOTHER_COUNT.get(spack, {}).get(minimum, minimum), inside[-1] if inside else None)
    return wanted


def check_dependencies(recorded):
    declared = {}
    for dependency in recorded.dependencies:
        name, minimum = name_and_minimum(dependency["spec"])
        if name == "py-torch" and "+cuda" in dependency["when"]:
            continue  # the same one, with its CUDA part
        expect(name not in declared, f"'{name}' is declared twice")
        declared[name] = (minimum, dependency)
    wanted = wanted_by_cmake()
    for name, (minimum, inside) in wanted.items():
        expect(name in declared, f"CMake wants {name}, package.py does not depend on it")
        if name not in declared:
            continue
        have, dependency = declared[name]
        expect(have == minimum, f"{name}: CMake wants {minimum or 'any'}, package.py {have or 'any'}")
        expect((inside == "PST_WORKER") == (dependency["when"] == "+worker"), f"{name}: only with the worker in one of CMake and package.py")
        expect((inside == "PST_TESTS") == (dependency.get("type") == "test"), f"{name}: only for the tests in one of CMake and package.py")
    for name, (_, dependency) in declared.items():
        expect(name in wanted or name in TOOLS or name == "py-torch", f"package.py depends on {name}, which CMake does not look for")
        expect((name in TOOLS) == (dependency.get("type") == "build"), f"{name}: type is {dependency.get('type')}")
    cmake = re.search(r"cmake_minimum_required\(VERSION ([0-9.]+)\)", text_of("CMakeLists.txt")).group(1)
    expect(declared["cmake"][0] == cmake, f"cmake: CMakeLists.txt wants {cmake}, package.py {declared['cmake'][0]}")
    torch = re.search(r"torch==([0-9]+\.[0-9]+)", text_of("tools/setup")).group(1)
    expect(declared["py-torch"][0] == torch, f"py-torch: tools/setup fetches {torch}, package.py wants {declared['py-torch'][0]}")
    expect(declared["py-torch"][1]["when"] == "+worker", "py-torch is for the worker only")


def check_the_rest(recorded, package, path):
    expect([version["name"] for version in recorded.versions][-1:] == ["main"], "there is no version 'main'")
    for conflict in recorded.conflicts:
        expect(len(conflict.get("msg", "")) > 10, f"the conflict {conflict['spec']} has no message")
    expect(len(recorded.conflicts) > 0, "there is no conflict: older compilers are refused by a message")
    expect(recorded.licences == ["Apache-2.0"], f"licences: {recorded.licences}")
    expect(recorded.generators == ["ninja"], "the generator is not that of CMakePresets.json")
    expect(package.__doc__ and len(package.__doc__) > 40, "the package has no description")
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        expect(len(line) <= 130, f"{path}:{number}: {len(line)} characters")
    # Every stand-alone test names a part of the installed self-test, and every part has its test.
    asked = set(re.findall(r'_self_test\("(\w+)"\)', "\n".join(lines)))
    parts = set(re.search(r"^    ((?:\w+ \| )*\w+)\) \"\$part\"", text_of("packaging/self-test.sh"), re.M).group(1).split(" | "))
    expect(asked == parts, f"package.py runs the parts {sorted(asked)}, packaging/self-test.sh has {sorted(parts)}")
    for name in vars(package):
        if name.startswith("test_"):
            expect(getattr(package, name).__doc__, f"{name} has no description; Spack shows it")
    link = "tools/spack-repo/spack_repo/peft_studio/packages/peft_studio/package.py"
    expect(os.path.islink(link) and os.path.samefile(link, "package.py"), f"{link} does not link to package.py")


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "package.py"
    recorded, package = spack_stub.load(path)
    check_options(recorded, package)
    check_dependencies(recorded)
    check_the_rest(recorded, package, path)
    for problem in problems:
        print(f"package.py: {problem}")
    print(f"{checked} comparisons, {len(problems)} problems")
    return 1 if problems or checked < 50 else 0


sys.exit(main())
