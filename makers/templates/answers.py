# Run in the kernel of the solutions after each check; CALL, ANSWERS and ODD are set before. The verdicts are printed.
def _verdict(code, call, **more):
    values = {**globals(), **more}
    exec(code, values)
    said = eval(call, values)
    return {"passed": said.passed, "message": said.message, "text": repr(said), "html": said._repr_html_()}


def _odd(name):
    import ast

    import numpy
    import pandas

    call = ast.parse(CALL, mode="eval").body
    answer = eval(name, {"np": numpy, "pd": pandas})
    call.args[0] = ast.Name("_answer", ast.Load())
    alone = ast.Call(call.func, call.args[:1], [])
    return [_verdict("", ast.unparse(what), _answer=answer) for what in (call, alone)]


import json as _json

print(
    _json.dumps(
        {"answers": [_verdict(code, CALL) for code in ANSWERS], "odd": [said for name in ODD for said in _odd(name)]}
    )
)
del CALL, ANSWERS, ODD, _verdict, _odd, _json
