/*
 * accept.c: a request's Accept and Accept-Encoding headers.
 */
#include "fuzz.h"

#include <codeai/metrics_reader.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	enum cmxr_format format = cmxr_negotiate(text);

	MUST(format == CMXR_TEXT || format == CMXR_OPENMETRICS ||
	    format == CMXR_PROTOBUF);
	MUST(strlen(cmxr_content_type(format)) > 0);
	cmxr_accepts_gzip(text);
	free(text);
	return 0;
}
