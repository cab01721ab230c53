/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stub of gdb's remote serial protocol: gdb connects to a socket, and sees a VM as a program whose
 * threads are the vCPUs. Part of libaxvmm-machine.
 *
 * Everything but the vCPUs' own part happens on the host's loop (host.h); no handler of the guest's
 * blocks for it. While nobody is connected the stub costs nothing. A peer can do to the guest what it
 * likes, and to nothing else: what it sends is checked, and what makes no sense is refused. When it
 * goes away, its breakpoints go and the guest runs on.
 */
#ifndef AXVMM_GDB_H
#define AXVMM_GDB_H

#include <axvmm/error.h>
#include <axvmm/host.h>
#include <axvmm/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AxGdb AxGdb;

typedef struct AxGdbConfig {
	size_t size; /* sizeof(AxGdbConfig): AX_GDB_CONFIG_INIT */
	/*
	 * Where it listens, copied: "unix:PATH", which must not exist, or "tcp:ADDRESS:PORT". ADDRESS is
	 * 127.0.0.1, ::1 in brackets, or another one of this host's if ",remote" follows PORT; PORT 0
	 * takes any: ax_gdb_address() tells. Who can connect owns the guest.
	 */
	const char *address;
	bool wait; /* the guest does not begin before gdb lets it */
	/* gdb's "kill": end the VM. NULL: it is refused. Thread: the loop's. */
	void (*kill)(void *opaque);
	/* A line that a user may want to know. NULL: nobody does. */
	void (*log)(void *opaque, const char *line);
	void *opaque;
	/*
	 * vCPUs begin to be waited for (@on), or need no longer be: what may keep one inside of a handler, such
	 * as a console's slow reader, lets it go. NULL: nothing does. Thread: the stub's own.
	 */
	void (*waiting)(void *opaque, bool on);
} AxGdbConfig;

#define AX_GDB_CONFIG_INIT                                          \
	{                                                           \
		sizeof(AxGdbConfig), NULL, false, NULL, NULL, NULL, NULL \
	}

/**
 * Make a stub, which listens from now on.
 *
 * @param host  borrowed until ax_gdb_free()
 * @param out   owned by the caller: ax_gdb_free()
 * @return 0; -EINVAL an address that is none, or not local without ",remote"; -EEXIST it is in use;
 *         -EACCES; -ENOMEM; -EIO
 *
 * Thread: the loop's, or before it runs.
 */
AX_API int ax_gdb_new(AxHost *host, const AxGdbConfig *config, AxGdb **out, AxError *err);

/* Where it listens, as gdb's "target remote" wants it: "/tmp/socket", "127.0.0.1:1234". Owned by the
 * stub. Thread: any. */
AX_API const char *ax_gdb_address(const AxGdb *gdb);

/**
 * Debug this VM, which does not run yet and has all of its vCPUs. The next one after
 * ax_gdb_detach() takes over the connection and hardware breakpoints; software breakpoints, which
 * were in the memory of the one before, are gone.
 *
 * @param vm  borrowed until ax_gdb_detach()
 * @return 0; -EPERM it has one already, or the VM runs; -ENOTSUP it has more than 255 vCPUs; -ENOMEM;
 *         -EIO
 *
 * Thread: the loop's, or while it does not run.
 */
AX_API int ax_gdb_attach(AxGdb *gdb, AxVm *vm, AxError *err);

/* The VM has ended. Another one may follow. Thread: as ax_gdb_attach(). */
AX_API void ax_gdb_detach(AxGdb *gdb);

/*
 * Tell the peer that it was the last: @code of 0 to 255 is what the guest ended with, a negative one
 * the number of a signal. Thread: as ax_gdb_attach(), after ax_gdb_detach().
 */
AX_API void ax_gdb_exited(AxGdb *gdb, int code);

/*
 * Free it, detached. What it has deferred to the host's loop (host.h) was dispatched before, or never is.
 * A socket in the file system is removed. NULL is allowed. Thread: as ax_gdb_new().
 */
AX_API void ax_gdb_free(AxGdb *gdb);

#ifdef __cplusplus
}
#endif

#endif
