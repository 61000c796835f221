# Run in the kernel before a notebook: notes each variable that a cell leaves with another type than an earlier one did.
class _Watch:
    def __init__(self):
        self.types, self.changes = {}, []

    def __call__(self, result=None):
        import numbers

        for name, value in list(get_ipython().user_ns.items()):
            if name.startswith("_") or name in ("In", "Out") or value is ...:
                continue
            kind = "number" if isinstance(value, numbers.Number) else type(value).__name__
            before = self.types.setdefault(name, kind)
            if kind != before:
                self.changes.append(f"{name}: {before}, then {kind}")
                self.types[name] = kind


_watch = _Watch()
get_ipython().events.register("post_run_cell", _watch)
