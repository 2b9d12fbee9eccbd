# Sourced by the scripts beside it: a virtual environment in .venv with the project and its tools, made when missing.

# The first Python that is new enough.
find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "lvmfmt needs Python 3.11 or newer; set PYTHON to one" >&2
  return 3
}

# Make or refresh .venv (only when pyproject.toml changed) and put it first on PATH. Run from the project's folder.
use_venv() {
  local python stamp=.venv/.stamp wanted
  if [ ! -x .venv/bin/python ]; then
    python=$(find_python)
    echo "making .venv with $("$python" --version)" >&2
    # a Debian Python without ensurepip makes the environment, and its own pip fills it
    "$python" -m venv .venv >/dev/null 2>&1 || "$python" -m venv --clear --without-pip .venv
  fi
  wanted=$(.venv/bin/python -c 'import hashlib, sys; print(hashlib.sha256(open("pyproject.toml", "rb").read()).hexdigest(), sys.version)')
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    echo "installing the project into .venv" >&2
    if .venv/bin/python -m pip --version >/dev/null 2>&1; then
      .venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,docs,release,digests]'
    else
      "$(find_python)" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check -e '.[dev,docs,release,digests]'
    fi
    printf '%s\n' "$wanted" >"$stamp"
  fi
  PATH="$PWD/.venv/bin:$PATH"
}
