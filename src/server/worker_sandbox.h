// Which sandbox (sys/sandbox.h) the processes of a configuration get.
//
// Called by who forks them; they enter it by themselves.
#pragma once

#include "conf/conf.h"
#include "content/sites.h"
#include "sys/sandbox.h"

// A worker reads beneath the roots and mounts of all sites; everywhere, where a site or a rule
// follows links to anywhere. 0 or a negative errno.
int worker_sandbox_make(struct sandbox *ret, const struct conf *conf, const struct sites *sites);

// For the process that explains a request: it looks up users and groups as well, by means
// (nsswitch.conf) that nobody here knows, so that it reads everywhere and has every system call. 0
// or a negative errno.
int worker_sandbox_make_explain(struct sandbox *ret, const struct conf *conf);

// A sentence for each layer: what it keeps workers from, or why it does not. No newline.
void worker_sandbox_describe_landlock(struct buf *b, const struct sandbox *s);
void worker_sandbox_describe_seccomp(struct buf *b, const struct sandbox *s);

// Logs these sentences, as notices about what is missing or not enforced; nothing of layers that
// are switched off, and nothing at all if all of it is as it was in `previous` (or NULL).
void worker_sandbox_log(const struct sandbox *s, const struct sandbox *previous);
