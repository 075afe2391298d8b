"""The extension module; everything else about the package stands in pyproject.toml."""

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).resolve().parent))

from csrc.build import BuildCore, core_extension

setup(ext_modules=[core_extension()], cmdclass={"build_ext": BuildCore})
