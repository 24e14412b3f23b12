"""Run folders: each run has one of its own."""

from intercom_hil.evidence import folder_names


def test_runs_that_begin_in_the_same_second_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_names, "new_stamp", lambda: "now")
    first, second = tmp_path / "first", tmp_path / "second"
    assert folder_names.fresh_stamp([second]) == "now"
    assert folder_names.fresh_stamp([first, second]) == "now.2"
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")) == [
        "first/now.2",
        "second/now",
        "second/now.2",
    ]
