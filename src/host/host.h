/* host/host.h - the process around the core: allocator, Lua state, embedded files, exit code. */
#ifndef AB_HOST_HOST_H
#define AB_HOST_HOST_H

/* Run the program; returns its exit code. Called once, from main(). */
int ab_host_main(int argc, char **argv);

#endif
