#include "cli/cmd_run.h"

#include "cli/args.h"
#include "cli/load_config.h"
#include "daemon/master.h"

static struct conf *load(void *context)
{
    return load_config(context);
}

static int run_master(const struct args *args, bool serve)
{
    // The master reads the command line again at each reload, and changes nothing of it.
    struct args copy = *args;
    const struct master_options options = {
        .argv = args->argv,
        .load = load,
        .context = &copy,
        .file = args->file,
        .keep_ids = serve,
        .control = !serve,
        .hup_stops = serve,
    };
    return master_run(&options);
}

int cmd_run(const struct args *args)
{
    return run_master(args, false);
}

int cmd_serve(const struct args *args)
{
    return run_master(args, true);
}
