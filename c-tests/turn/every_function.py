"""Whether a test's source calls every function of a header whose name begins so: every_function.py HEADER PREFIX SOURCE"""
import re
import sys

header, prefix, source = sys.argv[1:]
declared = set(re.findall(rf"^(?! \*)[^#\n]*?\b({prefix}\w+)\(", open(header).read(), flags=re.M))
called = set(re.findall(rf"\b({prefix}\w+)\(", open(source).read()))
missing = sorted(declared - called)
if missing or len(declared) < 10:
    sys.exit(f"{len(declared)} declared, not called: {' '.join(missing)}")
print(f"all {len(declared)} functions are called")
