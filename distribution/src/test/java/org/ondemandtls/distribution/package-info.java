/** Tests of the whole house: real Jetty processes with the overlay archive, a real CA, real clients. */
@NullMarked
package org.ondemandtls.distribution;

import org.jspecify.annotations.NullMarked;
