#!/bin/sh
# `make hooks`: copies tools/hook.sh to Git's hooks; $1 is the folder of this environment's programs.
set -e
hooks=$(git rev-parse --git-path hooks)

refuse() {
    echo "error: $1, and stays as it is; call there what tools/hook.sh calls, or move it away and run make hooks again" >&2
    exit 1
}

! git config core.hooksPath >/dev/null || refuse "core.hooksPath is $(git config core.hooksPath)"
for hook in post-checkout pre-commit pre-push; do
    test ! -e "$hooks/$hook" || grep -q "dvc git-hook" "$hooks/$hook" || refuse "$hooks/$hook is a hook of your own"
done
mkdir -p "$hooks"
for hook in post-checkout pre-commit pre-push; do
    sed "s|BIN|\"$1\"|" tools/hook.sh >"$hooks/$hook"
    chmod +x "$hooks/$hook"
done
echo "Git hooks: dvc status before a commit, dvc checkout after a checkout, guard and dvc push before a push"
