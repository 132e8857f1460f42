"""Every mutant can still be made from the sources; what it does wrong is shown elsewhere."""

import pytest

from mutants import FOLDER, apply, copy_sources


@pytest.mark.parametrize("patch", sorted(FOLDER.glob("*.patch")), ids=lambda patch: patch.stem)
def test_patch_applies(tmp_path, patch):
    copy_sources(tmp_path / "tree")
    apply(patch, tmp_path / "tree", "--dry-run")
