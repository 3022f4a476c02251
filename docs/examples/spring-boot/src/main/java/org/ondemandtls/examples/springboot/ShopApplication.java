package org.ondemandtls.examples.springboot;

import jakarta.servlet.http.HttpServletRequest;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Greets every customer under the customer's own name, by HTTPS as soon as there is a certificate. */
@SpringBootApplication
@RestController
public class ShopApplication {

    /** Serves until the process ends. */
    public static void main(String[] args) {
        SpringApplication.run(ShopApplication.class, args);
    }

    /** The greeting. */
    @GetMapping("/")
    String greeting(HttpServletRequest request) {
        return "Welcome to " + request.getServerName();
    }
}
