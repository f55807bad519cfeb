# What bench/run and bench/compare share; sourced, at the root of the repository.
# shellcheck shell=bash
build=build/bench

# compile TARGETS [OPTION...]: `all`, or names separated by spaces, with options for CMake.
compile() {
  local targets
  read -ra targets <<<"$1"
  scripts/setup
  mkdir -p "$build"
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DKITH_BUILD_BENCH=ON \
    -DKITH_BUILD_TESTS=OFF -DKITH_BUILD_EXAMPLES=OFF "${@:2}" >"$build/configure.log" 2>&1
  cmake --build "$build" --target "${targets[@]}" >"$build/compile.log" 2>&1 ||
    { tail -n 40 "$build/compile.log"; exit 1; }
}

# plot SCRIPT ARGUMENT...: with a Python that has Matplotlib and SciPy.
plot() {
  if [[ ! -e build/plot/ready ]]; then
    python3 -m venv build/plot
    build/plot/bin/pip install --quiet --disable-pip-version-check 'matplotlib>=3.8,<4' 'scipy>=1.10,<2'
    touch build/plot/ready
  fi
  build/plot/bin/python "$@"
}
