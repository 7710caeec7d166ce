/*
 * Paths of requests: what varies is taken out, whatever they are.
 */
#include "test.h"

#include "codeai/metrics_http.h"

#define UUID "123e4567-e89b-12d3-a456-426614174000"
#define A64  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

TEST(paths_are_what_the_table_says)
{
	static const char *const rows[][2] = {
		/* as they are */
		{ "/", "/" },
		{ "/users", "/users" },
		{ "/api/v1/users", "/api/v1/users" },
		{ "/API/V2", "/API/V2" },
		{ "/index.html", "/index.html" },
		{ "/users/me", "/users/me" },
		{ "/oauth2/token", "/oauth2/token" },
		{ "/md5", "/md5" },
		{ "/a-b_c.d~e", "/a-b_c.d~e" },
		{ "/user-123", "/user-123" },
		{ "/deadbeef", "/deadbeef" },
		{ "/feedface/cafe", "/feedface/cafe" },
		{ "/2024", "/{id}" },
		/* numbers */
		{ "/users/1", "/users/{id}" },
		{ "/users/0", "/users/{id}" },
		{ "/users/18446744073709551616/x", "/users/{id}/x" },
		{ "/1/2/3", "/{id}/{id}/{id}" },
		{ "/users/7.json", "/users/{id}.json" },
		{ "/users/7.json5", "/users/7.json5" },
		{ "/img/7.tar.gz", "/img/7.tar.gz" },
		{ "/7.", "/7." },
		{ "/.5", "/.5" },
		{ "/-5", "/-5" },
		{ "/1.5", "/1.5" },
		/* UUIDs */
		{ "/o/" UUID, "/o/{id}" },
		{ "/o/123E4567-E89B-12D3-A456-426614174000", "/o/{id}" },
		{ "/o/" UUID ".pdf", "/o/{id}.pdf" },
		{ "/o/123e4567-e89b-12d3-a456-42661417400",
		    "/o/"
		    "123e4567-e89b-12d3-a456-42661417400" },
		{ "/o/123e4567-e89b-12d3-a456-42661417400g",
		    "/o/123e4567-e89b-12d3-a456-42661417400g" },
		/* dates */
		{ "/d/2024-02-29", "/d/{id}" },
		{ "/d/2024-02-29T12:30:00Z", "/d/{id}" },
		{ "/d/2024-02-29t12", "/d/{id}" },
		{ "/d/2024-22-29", "/d/2024-22-29" },
		{ "/d/2024-02-49", "/d/2024-02-49" },
		{ "/d/2024-02", "/d/2024-02" },
		{ "/d/2024-02-290", "/d/2024-02-290" },
		/* hexadecimal digits */
		{ "/c/5f2b8c1d", "/c/{id}" },
		{ "/c/5F2B8C1D", "/c/{id}" },
		{ "/c/d41d8cd98f00b204e9800998ecf8427e", "/c/{id}" },
		{ "/c/5f2b8c1", "/c/5f2b8c1" },
		{ "/c/5f2b8c1g", "/c/5f2b8c1g" },
		/* ULIDs */
		{ "/u/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/u/{id}" },
		{ "/u/01arz3ndektsv4rrffq69g5fav", "/u/{id}" },
		{ "/u/81ARZ3NDEKTSV4RRFFQ69G5FAV",
		    "/u/81ARZ3NDEKTSV4RRFFQ69G5FAV" },
		/* e-mail */
		{ "/m/a@example.org", "/m/{id}" },
		{ "/m/a.b+c@d.e.f", "/m/{id}" },
		{ "/@user", "/@user" },
		{ "/m/a@b", "/m/a@b" },
		{ "/m/a@.b", "/m/a@.b" },
		{ "/m/a@b.", "/m/a@b." },
		/* tokens */
		{ "/t/eyJhbGciOiJIUzI1NiJ9", "/t/{id}" },
		{ "/t/dGhpcyBpcyBhIHRlc3Q9PT0_", "/t/{id}" },
		{ "/t/" A64, "/t/" A64 },
		{ "/t/" A64 "a", "/t/{id}" },
		{ "/t/ThisIsAVeryLongName", "/t/ThisIsAVeryLongName" },
		/* query and fragment */
		{ "/a?b=1", "/a" },
		{ "/a/?b=/c/1", "/a" },
		{ "/a#b", "/a" },
		{ "?a", "/" },
		{ "#a", "/" },
		/* empty segments and dots */
		{ "//a///b/", "/a/b" },
		{ "/./a/./b/.", "/a/b" },
		{ "/a/../b", "/b" },
		{ "/../../a", "/a" },
		{ "/a/b/../../c/7", "/c/{id}" },
		{ "/..", "/" },
		{ "/...", "/..." },
		{ "/%2e%2E/a", "/a" },
		/* percent */
		{ "/%41b%7Ec", "/Ab~c" },
		{ "/users/%31%32", "/users/{id}" },
		{ "/a%2Fb", "/a%2Fb" },
		{ "/a%20b", "/a%20b" },
		{ "/a%", "/a%" },
		{ "/a%4", "/a%4" },
		{ "/a%zz", "/a%zz" },
		{ "/a%00b", "/a%00b" },
		/* targets of other forms */
		{ "http://example.org/users/1?x", "/users/{id}" },
		{ "http://example.org", "/" },
		{ "https://example.org?x", "/" },
		{ "*", "*" },
		{ "users/1", "/users/{id}" },
		{ "", "/" },
		{ NULL, "/" },
		{ "/redirect/http://a/b", "/redirect/http:/a/b" },
		/* depth */
		{ "/a/b/c/d/e/f/g/h/i/j/k/l", "/a/b/c/d/e/f/g/h/i/j/k/l" },
		{ "/a/b/c/d/e/f/g/h/i/j/k/l/m/n",
		    "/a/b/c/d/e/f/g/h/i/j/k/l/{more}" },
	};
	char buf[CMX_HTTP_PATH_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n =
		    cmx_http_normalize_path(rows[i][0], buf, sizeof(buf));

		if (strcmp(buf, rows[i][1]) != 0)
			fail_msg("%s is %s, wanted %s",
			    rows[i][0] == NULL ? "null" : rows[i][0], buf,
			    rows[i][1]);
		assert_int_equal(n, strlen(buf));
	}
}

TEST(a_result_fits_its_buffer)
{
	char buf[64], longest[CMX_HTTP_PATH_MAX], *large = malloc(1 << 20);

	for (size_t size = 1; size < sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		assert_true(cmx_http_normalize_path("/users/" UUID "/orders/12",
				buf, size) < size);
		assert_non_null(memchr(buf, '\0', size));
		if (size < sizeof(buf))
			assert_int_equal(buf[size], 'x');
	}
	assert_int_equal(cmx_http_normalize_path("/a", NULL, 5), 0);
	assert_int_equal(cmx_http_normalize_path("/a", buf, 0), 0);
	/* A megabyte of segments, and of one. */
	for (int i = 0; i < (1 << 20) - 1; i++)
		large[i] = i % 2 == 0 ? '/' : '1';
	large[(1 << 20) - 1] = '\0';
	cmx_http_normalize_path(large, buf, sizeof(buf));
	assert_memory_equal(buf, "/{id}/{id}", 10);
	memset(large + 1, '1', (1 << 20) - 2);
	cmx_http_normalize_path(large, buf, sizeof(buf));
	assert_string_equal(buf, "/{id}");
	/* The longest result: all segments as long as they may be. */
	memset(large, 'q', 20 * 65);
	for (int i = 0; i < 20; i++)
		large[i * 65] = '/';
	large[20 * 65] = '\0';
	assert_int_equal(cmx_http_normalize_path(large, longest,
			     sizeof(longest)),
	    CMX_HTTP_PATH_DEPTH * 65 + strlen("/{more}"));
	free(large);
}

TEST(methods_are_the_registered_ones_or_other)
{
	assert_string_equal(cmx_http_method("GET"), "GET");
	assert_string_equal(cmx_http_method("PATCH"), "PATCH");
	assert_string_equal(cmx_http_method("get"), "other");
	assert_string_equal(cmx_http_method("PROPFIND"), "other");
	assert_string_equal(cmx_http_method(""), "other");
	assert_string_equal(cmx_http_method(NULL), "other");
}
