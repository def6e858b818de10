// Processes that fetch for a test (-Wl,--wrap=fetch_job_run), for which some paths do not answer.
#pragma once

#include "daemon/fetch_job.h"

// A path with this in it does not answer; of one with the other the process dies.
#define SILENCE      "silent"
#define SILENCE_DIES "deadly"
