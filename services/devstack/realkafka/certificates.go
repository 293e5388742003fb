package realkafka

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificates makes a test authority and what it signs, unless they are there: for localhost and 127.0.0.1, good for a
// year, under keys that are thrown away with the directory.
func certificates(dir string) error {
	f := files(dir)
	if _, err := os.Stat(f.server); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(f.CA), 0o755); err != nil {
		return err
	}
	ca := x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	authority, err := sign("hefu-test-ca", &ca, nil)
	if err != nil {
		return err
	}
	broker, err := sign("broker", &x509.Certificate{
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, authority)
	if err != nil {
		return err
	}
	client, err := sign("hefu", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, authority)
	if err != nil {
		return err
	}
	for _, w := range []struct {
		file string
		text []byte
	}{
		{f.CA, authority.pem},
		{f.ClientCert, client.pem},
		{f.ClientKey, client.keyPEM},
		{f.server, bytes.Join([][]byte{broker.keyPEM, broker.pem, authority.pem}, nil)}, // last: it says that all are there
	} {
		if err := os.WriteFile(w.file, w.text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// signed is a certificate and its key.
type signed struct {
	cert        *x509.Certificate
	key         *ecdsa.PrivateKey
	pem, keyPEM []byte
}

// sign fills in the rest of a certificate and signs it, by itself where there is no authority.
func sign(name string, c *x509.Certificate, by *signed) (*signed, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	c.SerialNumber, c.Subject = serial, pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)
	if !c.IsCA {
		c.KeyUsage = x509.KeyUsageDigitalSignature
	}
	if by == nil {
		by = &signed{cert: c, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, &key.PublicKey, by.key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key) // the only form that Kafka takes
	if err != nil {
		return nil, err
	}
	return &signed{
		cert: c, key: key,
		pem:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		keyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	}, nil
}
