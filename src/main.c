// Wiring only: options, configuration, then the command.
#include <stdio.h>

int main(void)
{
    puts("tined " PACKAGE_VERSION);
    return 0;
}
