// fcgi-app: an application of Go's net/http/fcgi, which takes many requests at a time on a connection; `hello` for whatever
// is asked.
// usage: fcgi-app SOCKET
// Prints the socket when it listens.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
)

func main() {
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println(os.Args[1])
	panic(fcgi.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "hello")
	})))
}
