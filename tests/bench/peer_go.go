// peer_go.go: the rows that client_golang has, in one process.
//
//	peer_go ROW
//	peer_go scrape SERIES ACCEPT	through promhttp, of the format asked for
//
// "2 processes" are two goroutines on two threads here: the library does not
// cross processes.
package main

import (
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var (
	sizes     = prometheus.ExponentialBuckets(100, 10, 8)
	durations = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	labels    = []string{"method", "path"}
	registry  = prometheus.NewRegistry()
	requests  = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "codeai_http_requests_total", Help: "h",
	}, []string{"method", "path", "status"})
	duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "codeai_http_request_duration_seconds", Help: "h",
		Buckets: durations}, labels)
	requestSize = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "codeai_http_request_size_bytes", Help: "h",
		Buckets: sizes}, labels)
	responseSize = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "codeai_http_response_size_bytes", Help: "h",
		Buckets: sizes}, labels)
)

func measure(n int, body func(n int), two bool) float64 {
	body(n / 10)
	stop := make(chan bool)
	running := make(chan bool)
	if two {
		go func() {
			runtime.LockOSThread()
			running <- true
			for {
				select {
				case <-stop:
					return
				default:
					body(n / 100)
				}
			}
		}()
		<-running
	}
	runtime.LockOSThread()
	begun := time.Now()
	body(n)
	ns := float64(time.Since(begun).Nanoseconds()) / float64(n)
	if two {
		stop <- true
	}
	return ns
}

func record(method, path string, status int, seconds float64,
	request, response int64) {
	text := fmt.Sprintf("%d", status) // as the specification has it
	requests.WithLabelValues(method, path, text).Inc()
	duration.WithLabelValues(method, path).Observe(seconds)
	requestSize.WithLabelValues(method, path).Observe(float64(request))
	responseSize.WithLabelValues(method, path).Observe(float64(response))
}

func scrape(n int, accept string) float64 {
	registry.MustRegister(requests)
	for i := 0; i < n; i++ {
		requests.WithLabelValues("GET", fmt.Sprintf("/path/%d", i),
			"200").Add(float64(i) * 1001)
	}
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		DisableCompression: true, EnableOpenMetrics: true})
	best := 0.0
	for i := 0; i < 5; i++ {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequest("GET", "/metrics", nil)
		request.Header.Set("Accept", accept)
		begun := time.Now()
		handler.ServeHTTP(recorder, request)
		ns := float64(time.Since(begun).Nanoseconds())
		io.Copy(io.Discard, recorder.Body)
		if best == 0 || ns < best {
			best = ns
		}
	}
	return best / float64(n)
}

func main() {
	counter := requests.WithLabelValues("GET", "/users/{id}", "200")
	histogram := duration.WithLabelValues("GET", "/users/{id}")
	inc := func(n int) {
		for i := 0; i < n; i++ {
			counter.Inc()
		}
	}
	observe := func(n int) {
		for i := 0; i < n; i++ {
			histogram.Observe(float64(i&63) * 0.2)
		}
	}
	var ns float64
	switch os.Args[1] {
	case "inc":
		ns = measure(20000000, inc, false)
	case "inc2":
		ns = measure(10000000, inc, true)
	case "lookup":
		var paths [64]string
		for i := range paths {
			paths[i] = fmt.Sprintf("/route/%d/{id}", i)
		}
		ns = measure(2000000, func(n int) {
			for i := 0; i < n; i++ {
				requests.WithLabelValues("GET", paths[i&63],
					"200").Inc()
			}
		}, false)
	case "observe":
		ns = measure(5000000, observe, false)
	case "observe2":
		ns = measure(3000000, observe, true)
	case "http":
		ns = measure(300000, func(n int) {
			for i := 0; i < n; i++ {
				record("GET", "/users/{id}", 200,
					float64(i&63)*0.2, 150, 5000)
			}
		}, false)
	case "scrape":
		n, accept := 100000, "text/plain"
		if len(os.Args) == 4 {
			n, _ = strconv.Atoi(os.Args[2])
			accept = os.Args[3]
		}
		ns = scrape(n, accept)
	default:
		os.Exit(2)
	}
	fmt.Printf("%.3f\n", ns)
}
