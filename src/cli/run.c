/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm run: boot an image, or an embedded guest.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/session.h"
#include "cli/timing.h"

const char run_help[] =
	"Usage: axvmm run [OPTION]... [IMAGE]\n"
	"Boot IMAGE: a kernel of Linux, an ELF file, a multiboot kernel (x86-64) or a flat binary. "
	"Without\n"
	"one a demonstration runs.\n"
	"\n"
	"What runs\n"
	"  --kernel FILE               IMAGE, as an operating system: a reset reboots it\n"
	"  --cmdline TEXT              its command line; also --append\n"
	"  --append TEXT               the same\n"
	"  --initrd FILE               initial RAM disk; modules of a multiboot kernel\n"
	"  --map-images                do not copy kernel and initrd into memory, but map the files\n"
	"  --firmware FILE             arm64: firmware for flash at 0, instead of a kernel\n"
	"  --guest NAME                an embedded guest: see \"axvmm guests\"\n"
	"  --mode real|protected|long  processor mode in which a flat binary begins\n"
	"  --load ADDR                 where a flat binary goes, and where it begins\n"
	"  --config FILE               options from a JSON file; the command line comes before it\n"
	"\n"
	"The machine\n"
	"  --memory SIZE               of the guest: 64M, 1G, ... (128M)\n"
	"  --cpus N                    how many (1)\n"
	"  --irqchip auto|none|kernel|split|user\n"
	"                              who delivers interrupts; the manual says what each is\n"
	"  --power auto|kernel|user    who starts and stops CPUs (auto)\n"
	"  --unclaimed ones|warn|stop  what an access does that no device claims (ones)\n"
	"  --no-cpuid                  give the guest an empty CPUID, which starts it sooner\n"
	"  --dtb FILE                  arm64, riscv64: another device tree\n"
	"\n"
	"Devices\n"
	"  --disk FILE[,ro][,serial=TEXT][,direct][,format=auto|raw|qcow2][,queues=N]\n"
	"         [,engine=auto|uring|threads][,unlocked]\n"
	"  --net none\n"
	"  --net user[,hostfwd=tcp::2222-:22]...[,address=IPV4][,passt=PROGRAM]\n"
	"  --net tap[,ifname=NAME][,queues=N] or tap,fd=N[,fd=N]...\n"
	"  --net socket,path=SOCKET    where somebody like passt listens\n"
	"                              all but none take [,mac=MAC][,mtu=N]\n"
	"  --share DIR,tag=NAME[,ro][,sandbox=auto|namespace|chroot|none][,queues=N]\n"
	"         [,program=VIRTIOFSD] or socket=SOCKET,tag=NAME[,queues=N]\n"
	"                              a directory, which Linux mounts by \"-t virtiofs NAME\"\n"
	"  --vsock cid=N,path=SOCKET   stream sockets between guest and host\n"
	"  --console SPEC              where the serial port leads: stdio, pty, file:PATH, "
	"unix:PATH, "
	"null;\n"
	"                              or virtio=SPEC, a virtio console\n"
	"  --rng                       the host's entropy\n"
	"  --balloon[=SIZE]            memory that comes back to the host, SIZE of it at first\n"
	"\n"
	"The run\n"
	"  --name NAME                 for \"axvmm list\", \"status\", \"stop\" and others\n"
	"  --reboot                    a reset starts any guest anew\n"
	"  --no-reboot                 a reset ends any guest, with status 202\n"
	"  --timeout SECONDS           end the guest after this time\n"
	"  --stats                     say at the end what the exits cost\n"
	"  --record FILE               record all that reaches the devices, for \"axvmm replay\"\n"
	"  --timing                    say at the end where the time of the start went\n"
	"  --trace FILE                write every exit and its answer to FILE, for \"axvmm trace\"\n"
	"  --gdb unix:PATH|tcp:ADDR:PORT[,remote]\n"
	"                              let gdb connect there: \"target remote PATH\"\n"
	"  --wait                      begin when gdb says so\n"
	"  --crash-dir DIR             leave a report in DIR when the guest dies\n"
	"  --dump-fdt FILE             write the guest's device tree to FILE, and run nothing\n"
	"  --dump-acpi FILE            write the guest's ACPI tables to FILE, and run nothing\n"
	"  --kvm PATH                  the KVM device (/dev/kvm)\n"
	"  --help                      this text\n"
	"\n"
	"On a terminal: Ctrl-A x quits, Ctrl-A a sends Ctrl-A, Ctrl-A h helps; all else goes to "
	"the guest.\n"
	"\n"
	"Exit status: the guest's own code (0 to 127, but not 3); 0 power off; 3 KVM cannot be "
	"used; 128+n\n"
	"signal n; 200 usage; 201 host failure; 202 reset; 203 triple fault; 204 KVM internal "
	"error; "
	"205 failed\n"
	"entry; 206 guest assertion; 207 exit that nobody handles; 208 guest crash; 209 suspend; "
	"210 "
	"another\n"
	"code of the guest's; 211 timeout; 212 Ctrl-A x, or gdb's kill; 213 \"axvmm stop\" by force.\n";

int cmd_run(int argc, char **argv)
{
	uint64_t begin_ns = timing_now();
	struct run_options options;
	bool help;
	int status = options_parse(argc, argv, &options, &help);

	if (help) {
		options_free(&options);
		fputs(run_help, stdout);
		return cli_finish_stdout(STATUS_OK);
	}
	if (!status)
		status = session_run(&options, begin_ns);
	options_free(&options);
	return status;
}
