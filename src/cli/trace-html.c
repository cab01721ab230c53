/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trace-summary.h"
void trace_summary_html(const struct trace_summary *summary, FILE *out)
{
	(void)summary;
	(void)out;
}
