// `tined precompress`: hands over to the program tined-precompress, which links the compressors.
#pragma once

struct args;

// Replaces this process by the helper: beside the program that runs (a build directory), else where
// it is installed. Returns only when there is none: 1.
int cmd_precompress(const struct args *args);
