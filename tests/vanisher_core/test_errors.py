import inspect

import pytest

from vanisher_core import errors

TREE = {
    "VanisherError": (Exception, 1),
    "InputError": (errors.VanisherError, 2),
    "PhotoError": (errors.InputError, 2),
    "UnsupportedPhoto": (errors.PhotoError, 2),
    "DamagedPhoto": (errors.PhotoError, 2),
    "LimitExceeded": (errors.PhotoError, 2),
    "MaskError": (errors.InputError, 2),
    "UsageError": (errors.InputError, 2),
    "HopelessFill": (errors.VanisherError, 2),
    "OutputError": (errors.VanisherError, 1),
    "ModelError": (errors.VanisherError, 1),
    "Cancelled": (errors.VanisherError, 130),
}


@pytest.mark.parametrize(("name", "parent", "status"), [(n, *rest) for n, rest in TREE.items()])
def test_parent_and_exit_status(name, parent, status):
    error = getattr(errors, name)
    assert error.__bases__ == (parent,)
    assert error.exit_status == status


def test_the_module_holds_exactly_the_tree_drawn_in_its_docstring():
    classes = {n for n, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)}
    assert classes == set(TREE)
    for name, (_, status) in TREE.items():
        line = next(row for row in (errors.__doc__ or "").splitlines() if f"{name} " in row)
        assert str(status) in line.split()


def test_cancelled_is_caught_by_one_handler():
    with pytest.raises(errors.VanisherError, match="stopped"):
        raise errors.Cancelled("stopped by the caller")
