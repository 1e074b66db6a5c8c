/** Evidence: what Lockstep states about an image (SBOM, provenance), signs and verifies, always beside the image and never inside it. */

/** in-toto Attestation Framework, spec/v1/statement.md. */
export const statementType = "https://in-toto.io/Statement/v1";
/** in-toto Attestation Framework, spec/v1/envelope.md: the DSSE payload type of a statement. */
export const payloadType = "application/vnd.in-toto+json";
/** SLSA provenance v1, unchanged through SLSA 1.2. */
export const provenanceType = "https://slsa.dev/provenance/v1";
/** Sigstore bundle format v0.3, which cosign 3 and Kyverno read. */
export const bundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";
export const spdxMediaType = "application/spdx+json";

/** Names the parameters of a build in provenance; docs/evidence.md is its specification. The domain is a reserved example (RFC 2606). */
export const buildType = "https://lockstep.example/buildtypes/oci-image/v1";
/** The builder of a person's own machine: SLSA Build L1 at most, whatever key signs. */
export const localBuilder = "https://lockstep.example/builders/local/v1";
