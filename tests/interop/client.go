// client.go - Tessera's client package follows a log over HTTP: it opens the
// checkpoint, reads every entry, proves each to the root from the tiles, and
// proves each later checkpoint to continue the one before.
//
//	client URL VKEY     for each line on standard input once more; prints sizes
package main

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

func must(err error) {
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

// entries proves every entry of the tracker's tree.
func entries(ctx context.Context, f *client.HTTPFetcher, lst *client.LogStateTracker) {
	at := lst.Latest()
	builder, err := client.NewProofBuilder(ctx, at.Size, f.ReadTile)
	must(err)
	index := uint64(0)
	for i := uint64(0); index < at.Size; i++ {
		bundle, err := client.GetEntryBundle(ctx, f.ReadEntryBundle, i, at.Size)
		must(err)
		for _, e := range bundle.Entries {
			p, err := builder.InclusionProof(ctx, index)
			must(err)
			leaf := rfc6962.DefaultHasher.HashLeaf(e)
			must(proof.VerifyInclusion(rfc6962.DefaultHasher, index, at.Size, leaf, p, at.Hash))
			index++
		}
	}
	hashes, err := client.FetchLeafHashes(ctx, f.ReadTile, 0, at.Size, at.Size)
	must(err)
	fmt.Println(index, len(hashes))
}

func main() {
	ctx := context.Background()
	root, err := url.Parse(os.Args[1])
	must(err)
	f, err := client.NewHTTPFetcher(root, nil)
	must(err)
	v, err := note.NewVerifier(os.Args[2])
	must(err)
	lst, err := client.NewLogStateTracker(ctx, f.ReadTile, nil, v, v.Name(),
		client.UnilateralConsensus(f.ReadCheckpoint))
	must(err)
	entries(ctx, f, lst)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		_, p, _, err := lst.Update(ctx)
		must(err)
		if len(p) == 0 {
			must(fmt.Errorf("no proof of consistency"))
		}
		entries(ctx, f, lst)
	}
}
