#!/bin/sh
# DVC's Git hooks post-checkout, pre-commit and pre-push; `make hooks` copies this file to each name.
PATH=BIN:$PATH
hook=$(basename "$0")
if [ "$hook" = pre-push ]; then
    python -m tools.sharing check || exit 1 # the guard of public remotes
fi
dvc git-hook "$hook" "$@" && exit
# In a clone without audio or cache DVC's checkout fails, and `git switch` with it.
[ "$hook" = post-checkout ] && echo "some outputs are not in the cache: make pull, or dvc repro"
