/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "axvmm run" was asked for.
 */
#ifndef AXVMM_CLI_OPTIONS_H
#define AXVMM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <axvmm/boot.h>
#include <axvmm/net.h>

#include "guests/embedded.h"

/* Consoles beside the one on standard input and output. */
#define OPTIONS_CONSOLES_MAX 16

#define OPTIONS_FORWARDS_MAX 32

struct disk_options {
	const char *path;
	const char *serial; /* NULL: none */
	bool read_only;
	bool direct;
	bool unlocked;
	int format;	 /* an AxDiskFormat */
	int engine;	 /* an AxDiskEngine */
	uint32_t queues; /* 0: one for each CPU */
};

enum net_type { NET_NONE, NET_USER, NET_TAP, NET_SOCKET };

struct net_options {
	int type; /* an enum net_type */
	uint8_t mac[6];
	uint32_t queues; /* 0: the default */
	uint32_t mtu;	 /* 0: the default */
	/* NET_TAP */
	const char *ifname;
	int fds[AX_NET_QUEUES_MAX];
	unsigned fd_count;
	/* NET_USER */
	const char *passt;
	const char *address;
	unsigned forward_count;
	AxNetForward forwards[OPTIONS_FORWARDS_MAX];
	/* NET_SOCKET */
	const char *path;
};

struct share_options {
	const char *dir;
	const char *socket;
	const char *tag;
	const char *program;
	bool read_only;
	int sandbox; /* an AxVirtioFsSandbox */
	uint32_t queues;
};

struct vsock_options {
	uint64_t cid;
	const char *path;
};

enum device_kind {
	DEVICE_DISK,
	DEVICE_NET,
	DEVICE_SHARE,
	DEVICE_VSOCK,
	DEVICE_RNG,
	DEVICE_BALLOON
};

/* A device that was asked for. */
struct device_options {
	struct device_options *next;
	enum device_kind kind;
	bool from_file; /* --config named it */
	union {
		struct disk_options disk;
		struct net_options net;
		struct share_options share;
		struct vsock_options vsock;
		uint64_t balloon; /* bytes that the guest gives back at first */
	};
};

/* Room for what texts were made of while options were understood. */
struct options_text;

struct run_options {
	const char *image;		    /* a file; NULL: guest */
	const struct embedded_guest *guest; /* NULL: image */
	bool demonstration;		    /* neither was named: show what happens */
	bool system;	      /* --kernel or --firmware: an operating system is expected */
	const char *firmware; /* NULL: none */
	uint32_t given;	      /* AX_HINT_* */
	uint32_t mode;	      /* an AxCpuMode */
	uint64_t load;
	uint64_t memory;	  /* bytes; 0: not given */
	uint32_t cpus;		  /* 0: not given */
	int irqchip;		  /* an AxIrqchip; -1: not given */
	int power;		  /* an AxPower; -1: not given */
	int unclaimed;		  /* an AxUnclaimed; -1: not given */
	const char *command_line; /* NULL: none */
	const char *initrd[AX_LOAD_MODULES_MAX];
	unsigned initrd_count;
	const char *console[OPTIONS_CONSOLES_MAX]; /* as --console has them */
	unsigned console_count;
	struct device_options *devices; /* in the order of the options */
	const char *dtb;		/* files; NULL: none */
	const char *dump_fdt;
	const char *dump_acpi;
	const char *name; /* NULL: none */
	int reboot;	  /* a reset starts the guest anew: 1, 0; -1: not given */
	bool no_cpuid;
	bool stats;
	bool timing;
	bool map_images;
	const char *trace;     /* a file; NULL: none */
	const char *record;    /* the same */
	const char *gdb;       /* an address; NULL: no stub */
	bool wait;	       /* for gdb */
	const char *crash_dir; /* NULL: no reports */
	uint64_t timeout_ns;   /* 0: none */
	const char *kvm;       /* NULL: /dev/kvm */

	/* While they are being understood. */
	const char *config; /* a file; NULL: none */
	const char *where;  /* "": the command line; else "FILE: line N: " */
	uint64_t from_file; /* lists that the file filled: bit of the option's place in the table */
	struct options_text *texts;
};

/*
 * Understand the command line of "axvmm run", and the file of --config. Strings stay where they are
 * in @argv, or belong to the options, which options_free() frees in any case. Returns STATUS_OK, or
 * STATUS_USAGE or STATUS_HOST (the file cannot be read) after a message. *help: it asks for help
 * only.
 */
int options_parse(int argc, char **argv, struct run_options *options, bool *help);
void options_free(struct run_options *options);

/* Bytes of RAM that the guest gets. */
uint64_t options_memory(const struct run_options *options);

/* Whether a reset of the guest's starts it anew. */
bool options_reboot(const struct run_options *options);

#endif
