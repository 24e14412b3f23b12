def write(run):
    path = run.folder / "tally.txt"
    path.write_text("".join(f"{row.id} {row.verdict.name}\n" for row in run.requirements))
    return path
