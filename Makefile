# Environmental Audio AI. Each target is a `python -m …` line or a few; docs/commands.md lists them for those without make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test check lab site slides pdf contact-sheets present data doctor bench notebooks figures format badges embedded mini mini-eval results reliability mutants audit verify-full clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

# uv knows where PyTorch's builds without CUDA are, and takes one unless there is a GPU; it is also several times as fast as pip.
# Where it cannot get there (a proxy that only pip knows, a mirror of packages), pip installs what it finds.
define install
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	@echo "Installing what is missing in $(VENV). All of it is about 4 GB, and takes a few minutes."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	@$(BIN)/uv pip install --python $(BIN)/python --torch-backend auto --constraint constraints.txt --editable ".[$(1)]" \
	|| { echo "That is fine: pip takes over. It says nothing for a few minutes."; \
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[$(1)]"; }
endef

$(VENV)/.installed: pyproject.toml constraints.txt
	$(call install,dev)
	@touch $@ $(VENV)/.lab

# What students need: no tests, no browser, no web site
$(VENV)/.lab: pyproject.toml constraints.txt
	$(call install,lab)
	@touch $@

run: $(VENV)/.installed  ## execute the notebooks that have changed; write the web site, slides and results.json below build/
	$(BIN)/python -m makers run

test: $(VENV)/.installed  ## run all tests: package, every notebook with and without solutions, pages, slides
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/.installed  ## maintainers: format, lint and the quick tests (two or three minutes)
	@begin=$$(date +%s) && $(BIN)/python -m ruff format --check . && $(BIN)/python -m ruff check . \
	&& $(BIN)/python -m numpydoc lint $$(find course_utils -name '*.py') \
	&& $(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow and not clean_room" \
	&& echo "All is well. It took $$(($$(date +%s) - begin)) s."

lab: $(VENV)/.lab  ## open the notebooks in JupyterLab
	$(BIN)/python -m jupyterlab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/01_audio_tagging.ipynb

site: $(VENV)/.installed  ## write the web site from the last run: build/site/
	$(BIN)/python -m makers site

slides: $(VENV)/.installed  ## write the slides from the last run, one file per deck
	$(BIN)/python -m makers slides

pdf: $(VENV)/.installed  ## write the slides, and two PDF handouts of each deck (needs Chromium, Chrome or Edge)
	$(BIN)/python -m makers pdf

contact-sheets: $(VENV)/.installed  ## maintainers: photograph all slides into build/contact_sheets/, and measure them
	$(BIN)/python -m makers contact-sheets

present: $(VENV)/.installed  ## show the web site from this computer, or a deck: N=3 is the third
	$(BIN)/python -m makers present $(N)

data: $(VENV)/.lab  ## fetch the real models, clips and data sets (needs a network)
	$(BIN)/python -m course_utils prefetch

doctor: $(VENV)/.lab  ## check that everything is there that the course needs
	$(BIN)/python -m course_utils doctor

bench: $(VENV)/.installed  ## time the models on this computer
	$(BIN)/python -m makers bench

notebooks: $(VENV)/.installed  ## maintainers: write the notebooks and the README's table from lessons/
	$(BIN)/python -m makers notebooks

figures: $(VENV)/.installed  ## maintainers: write the drawings of the lessons, and build/figures.html to look at them
	$(BIN)/python -m makers figures

format: $(VENV)/.installed  ## format and lint the code, and write the notebooks again
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m makers notebooks

badges: $(VENV)/.installed  ## maintainers: write the repository's address everywhere, REPO=owner/name
	$(BIN)/python -m makers badges $(REPO)

# All 2,000 clips of ESC-50: the folder `audio` of the data set, or the same clips at 16 kHz.
ESC50 ?= ../shared/distill/esc50_16k
embedded mini mini-eval results: export COURSE_MIRROR := $(or $(COURSE_MIRROR),$(wildcard ../shared/mirror))

mini: $(VENV)/.installed  ## maintainers: distil YAMNet-mini again, ESC50=folder (goes on where it stopped; to start over, delete data/cache/distill)
	$(BIN)/python -m makers.distillation.recordings --audio $(ESC50)
	$(BIN)/python -m makers.distillation.teacher --audio $(ESC50)
	$(BIN)/python -m makers.distillation.train --name first --rounds 25
	$(BIN)/python -m makers.distillation.train --begin first --skip 25 --epochs 7 --rate 0.0015
	$(BIN)/python -m makers.distillation.export
	$(BIN)/python -m makers.distillation.evaluate --audio $(ESC50) --write

embedded: $(VENV)/.installed  ## maintainers: make the embedded clips, tables and features again, ESC50=folder
	$(BIN)/python -m makers clips
	$(BIN)/python -m makers embedded --esc50 $(ESC50)

mini-eval: $(VENV)/.installed  ## maintainers: compare the committed YAMNet-mini with YAMNet, ESC50=folder
	$(BIN)/python -m makers.distillation.evaluate --audio $(ESC50)

results: $(VENV)/.installed  ## maintainers: measure everything in docs/results.md again, ESC50=folder (about 15 minutes)
	$(BIN)/python -m makers results --esc50 $(ESC50)

reliability: $(VENV)/.installed  ## maintainers: cause every fault that the tests know, and write docs/reliability.md
	$(BIN)/python -m makers reliability

mutants: $(VENV)/.installed  ## maintainers: change the code in small ways, and list what no test notices (two hours)
	$(BIN)/python -m makers mutants

audit: $(VENV)/.installed  ## maintainers: look for known vulnerabilities, unsuitable licences and missing pins (needs a network)
	$(BIN)/python -m makers audit

verify-full: $(VENV)/.installed  ## maintainers: get every real asset, and compare with published figures (needs a network)
	$(BIN)/python -m makers verify

clean:  ## remove what the other targets made, but keep downloads
	rm -rf build dist mutants $(VENV) .pytest_cache .ruff_cache .coverage
