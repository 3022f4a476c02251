/** On-demand TLS for a Spring Boot application, by properties and beans. */
@NullMarked
package org.ondemandtls.spring;

import org.jspecify.annotations.NullMarked;
