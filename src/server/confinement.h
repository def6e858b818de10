// Which sandbox (sys/sandbox.h) the processes of a configuration get.
//
// Called by who forks them; they enter it by themselves.
#pragma once

#include "conf/conf.h"
#include "server/sites.h"
#include "sys/sandbox.h"

// A worker reads beneath the roots and mounts of all sites; everywhere, where a site or a rule
// follows links to anywhere. 0 or a negative errno.
int confinement_for_worker(struct sandbox *ret, const struct conf *conf, const struct sites *sites);

// Who explains a request also reads what is said of users and groups, by means (nsswitch.conf) that
// nobody here knows: it reads everywhere, and no system call is kept from it. 0 or a negative
// errno.
int confinement_for_explainer(struct sandbox *ret, const struct conf *conf);

// A sentence for each layer: what it keeps workers from, or why it does not. No newline.
void confinement_describe_landlock(struct buf *b, const struct sandbox *s);
void confinement_describe_seccomp(struct buf *b, const struct sandbox *s);

// Logs these sentences, as notices about what is missing or not enforced; nothing of layers that
// are switched off, and nothing at all if all of it is as it was in `previous` (or NULL).
void confinement_log(const struct sandbox *s, const struct sandbox *previous);
