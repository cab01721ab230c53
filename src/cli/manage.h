/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subcommands for VMs that run: what each has of its own, and the help.
 */
#ifndef AXVMM_CLI_MANAGE_H
#define AXVMM_CLI_MANAGE_H

int cmd_list(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_balloon(int argc, char **argv);

extern const char list_help[];
extern const char status_help[];
extern const char top_help[];
extern const char stop_help[];
extern const char pause_help[];
extern const char resume_help[];
extern const char balloon_help[];

#endif
