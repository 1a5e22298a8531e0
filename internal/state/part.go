package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A part is one of the parts that are stored of a Journal.
type part struct {
	session string
	policy  uint64
	from    int64 // upto of the part before; 0 for the first one
	upto    int64
	records []byte // compressed
}

// partVersion is the first byte of a part.
const partVersion = 1

func (p *part) encode() []byte {
	b := make([]byte, 0, len(p.records)+len(p.session)+64)
	b = append(b, partVersion)
	b = binary.AppendUvarint(b, uint64(len(p.session)))
	b = append(b, p.session...)
	b = binary.BigEndian.AppendUint64(b, p.policy)
	b = binary.BigEndian.AppendUint64(b, uint64(p.from))
	b = binary.BigEndian.AppendUint64(b, uint64(p.upto))
	b = append(b, p.records...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

var errPart = errors.New("a part is damaged")

func decodePart(b []byte) (p part, err error) {
	if len(b) < 5 || crc32.ChecksumIEEE(b[:len(b)-4]) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return p, errPart
	}
	if b[0] != partVersion {
		return p, fmt.Errorf("it has version %d of the format, not %d", b[0], partVersion)
	}
	b = b[1 : len(b)-4]
	session, b, err := cutField(b)
	if err != nil || len(b) < 24 {
		return p, errPart
	}
	p.session = string(session)
	p.policy = binary.BigEndian.Uint64(b)
	p.from, p.upto = int64(binary.BigEndian.Uint64(b[8:])), int64(binary.BigEndian.Uint64(b[16:]))
	p.records = b[24:]
	return p, nil
}

// fingerprint tells policies apart, as far as they can be told apart: not by what predicates say.
func (p *Policy) fingerprint() uint64 {
	plain := *p
	plain.Keep, plain.KeepOverLimit = nil, nil
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%+v %t %t", plain, p.Keep == nil, p.KeepOverLimit == nil)
	return h.Sum64()
}

// A Packer compresses and decompresses. The Journals of a bot share one, since an encoder takes
// some megabytes. Its methods may be called from any goroutine.
type Packer struct {
	once sync.Once
	enc  *zstd.Encoder
	dec  *zstd.Decoder
}

// maxUnpacked bounds what is decompressed at once: far above packAt, for an event is never parted.
const maxUnpacked = 256 << 20

func (p *Packer) init() {
	p.once.Do(func() {
		var err, err2 error
		p.enc, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2),
			zstd.WithWindowSize(packAt))
		p.dec, err2 = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0),
			zstd.WithDecoderMaxMemory(maxUnpacked))
		if err = errors.Join(err, err2); err != nil { // the options are constants
			panic(fmt.Sprintf("state: make a compressor: %v", err))
		}
	})
}

// pack appends b to dst, compressed, behind its length.
func (p *Packer) pack(dst, b []byte) []byte {
	p.init()
	packed := p.enc.EncodeAll(b, make([]byte, 0, len(b)/4))
	dst = binary.AppendUvarint(dst, uint64(len(packed)))
	return append(dst, packed...)
}

// unpack calls yield with each of what was packed into b. It is valid until yield returns.
func (p *Packer) unpack(b []byte, yield func([]byte) error) error {
	p.init()
	var buf []byte
	for len(b) > 0 {
		packed, rest, err := cutField(b)
		if err != nil {
			return err
		}
		if buf, err = p.dec.DecodeAll(packed, buf[:0]); err != nil {
			return fmt.Errorf("decompress: %w", err)
		}
		if err := yield(buf); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// cutField returns what stands at the beginning of b, behind its length, and what follows it.
func cutField(b []byte) (field, rest []byte, err error) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, errPart
	}
	return b[used : used+int(n)], b[used+int(n):], nil
}
