#!/bin/sh
# Build what an image of image/images.txt holds: a virtual environment with the package, from what is
# pinned by hash, and its bill of materials. To be run where pyproject.toml is.
#
#   image/build.sh TARGET [SCRATCH] [operator|hub-page]
#
# The page in a hub has JupyterHub's library with it, and none of the operator's.
set -eu

target=${1:?where to build, such as /opt/hub-responsibility}
scratch=${2:-/tmp/build}
contents=${3:-operator}
python=${PYTHON:-python3}
lock=$(sed -n "s/^$contents [^ ]* //p" image/images.txt)
[ -n "$lock" ] || { echo "error: there is no $contents in image/images.txt" >&2; exit 1; }
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# Packages that somebody has at hand would count as installed already.
unset PYTHONPATH PYTHONHOME

echo "--- the tools"
"$python" -m venv "$scratch/tools"
tools=$scratch/tools/bin
"$tools/python" -m pip install --quiet --require-hashes --requirement image/build.lock

echo "--- the wheel"
# Without isolation: what builds it is what build.lock says, and nothing else is fetched.
"$tools/python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$scratch/wheel" .

echo "--- the environment"
"$python" -m venv --without-pip "$target"
# Wheels only: nothing of others is run while it is installed.
"$tools/python" -m pip --python "$target/bin/python" install --quiet \
  --require-hashes --only-binary :all: --requirement "image/$lock.lock"
"$tools/python" -m pip --python "$target/bin/python" install --quiet \
  --no-deps --no-index "$scratch"/wheel/*.whl

echo "--- without what nobody calls"
case $contents in
  operator)
    "$tools/python" -m pip --python "$target/bin/python" check
    # Of the Kubernetes client, connection and loaders are used. The classes for each of the API's groups,
    # once for threads and once for asyncio, are 40 % of everything and never imported.
    for client in "$target"/lib/python3*/site-packages/kubernetes/client \
      "$target"/lib/python3*/site-packages/kubernetes/aio/client; do
      rm -r "$client/api"
    done
    rm "$target/bin/responsibility-hub-page"
    "$target/bin/python" -c "import responsibility.controller.main, responsibility.cli.main"
    ;;
  hub-page)
    # What a hub itself shows to browsers: half of everything.
    rm -r "$target/share/jupyterhub"
    rm "$target/bin/responsibility-operator" "$target/bin/kubectl-responsibility"
    "$target/bin/python" -c "import responsibility.hub_page.main"
    ;;
  *) echo "error: of $contents nobody has said what to leave out" >&2; exit 1 ;;
esac

echo "--- what it starts"
case $contents in
  operator) ln -s responsibility-operator "$target/bin/responsibility-start" ;;
  hub-page) ln -s responsibility-hub-page "$target/bin/responsibility-start" ;;
esac

echo "--- the bill of materials"
mkdir -p "$target/share"
"$tools/cyclonedx-py" environment --pyproject pyproject.toml --mc-type application \
  --output-reproducible --output-format JSON --output-file "$target/share/sbom.cdx.json" \
  "$target/bin/python"
