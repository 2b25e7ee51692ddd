/* main.c - the program: argv to the host, nothing else. */
#include "host/host.h"

int main(int argc, char **argv)
{
    return ab_host_main(argc, argv);
}
