package org.ondemandtls.challenge;

/** Skeleton. */
public final class ChallengeCertificates {
    private ChallengeCertificates() {}
}
